"""Why a file as a whole is refused."""

from shared.errors import Problem


class NotACsvFile(Problem):
    """The file cannot be read as CSV, or lacks columns of the schema."""

    type = "not-a-csv-file"
    status = 422
    title = "Ce fichier n'est pas un CSV du schéma national des lieux de médiation numérique."
