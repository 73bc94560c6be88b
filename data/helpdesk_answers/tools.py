"""The five tools of the IT help desk of Osmere Freight."""

from typing import Literal


def open_ticket(
    summary: str,
    category: Literal["hardware", "software", "network", "printing"],
    urgency: Literal["low", "high"] | None = None,
):
    """Report a fault to the technicians.

    Args:
        summary: What is wrong, in a few words
        category: What the fault is in
        urgency: Only if the message says how urgent it is
    """


def check_ticket(number: int):
    """Look up the state of a ticket.

    Args:
        number: The ticket's number
    """


def reset_password(user: str, system: Literal["email", "vpn", "payroll", "wiki"]):
    """Reset a forgotten or locked password.

    Args:
        user: Login name, as in k.hale
        system: Where it is used
    """


def lend_device(
    device: Literal["laptop", "monitor", "headset", "projector"], start: str, days: int
):
    """Lend a device from the pool.

    Args:
        device: What kind of device
        start: First day, as YYYY-MM-DD
        days: How many days
    """


def install_software(program: str, machines: list[str]):
    """Install a program.

    Args:
        program: Its name
        machines: Asset tags, as in LT-2043
    """
