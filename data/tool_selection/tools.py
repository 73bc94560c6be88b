"""The two tools of Quillhaven's assistant."""


def search_knowledge_base(query: str) -> str:
    """Search internal company documents, policies and project data.

    Args:
        query: Search query
    """


def search_google(query: str) -> str:
    """Search public information.

    Args:
        query: Search query
    """
