"""google.colab._shell: by this class's name other libraries tell a Colab kernel."""

from ipykernel.zmqshell import ZMQInteractiveShell


class Shell(ZMQInteractiveShell):
    pass
