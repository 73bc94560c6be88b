"""google.colab._kernel"""

from google.colab._shell import Shell
from ipykernel.ipkernel import IPythonKernel


class Kernel(IPythonKernel):
    def _shell_class_default(self):
        return Shell
