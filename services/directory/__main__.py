"""`python -m services.directory`: serve, or one of its commands."""

from services.directory import duplicates_cli
from services.directory.app import service
from services.directory.exports_cli import dump_folder, export_file
from services.directory.files_cli import import_file, validate_file
from services.directory.index_cli import index
from services.directory.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))
app.command("import")(import_file)
app.command("validate")(validate_file)
app.add_typer(duplicates_cli.app, name="duplicates")
app.command("export")(export_file)
app.command("dump")(dump_folder)
app.add_typer(index, name="index")


if __name__ == "__main__":
    app()
