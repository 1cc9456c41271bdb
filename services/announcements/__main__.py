"""`python -m services.announcements`: serve; `… partners list`, `… dead list`."""

from services.announcements.app import service
from services.announcements.partners_cli import commands
from services.announcements.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))
app.add_typer(commands, name="partners")

if __name__ == "__main__":
    app()
