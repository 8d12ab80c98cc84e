"""Where the demo talks to people."""

from rich.console import Console

console = Console()
# Into a file or a CI log: lines instead of a bar that moves.
PLAIN = not console.is_terminal
