"""Starts Colab's kernel: `python -m colab_kernel_launcher -f FILE`.

Loads what a Colab kernel has loaded before the first cell, so that exchanging one
of these needs a restart. COLAB_STUB_SECRETS, a JSON object, holds the secrets; a
kernel that this one starts does not see them.
"""

import importlib
import json
import os

from google.colab import drive, userdata  # noqa: F401
from google.colab._kernel import Kernel
from ipykernel.kernelapp import IPKernelApp

for name in ("numpy", "PIL", "matplotlib", "psutil", "pandas", "pyarrow"):
    importlib.import_module(name)
known = os.environ.pop("COLAB_STUB_SECRETS", None)
userdata.in_browser = known is not None
userdata.secrets.update(json.loads(known or "{}"))
IPKernelApp.launch_instance(kernel_class=Kernel)
