"""`python -m services.moderation`: serve; `… dead list`: look after dead letters."""

from services.moderation.app import service
from services.moderation.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))

if __name__ == "__main__":
    app()
