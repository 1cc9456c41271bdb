"""Why something cannot be done with an announcement."""

from shared.errors import NotAllowed, Problem


class AnnouncementNotFound(Problem):
    """No announcement has this id, or it is not for this person to see."""

    type = "announcement-not-found"
    status = 404
    title = "Cette annonce n'existe pas."


class AnnouncementDuplicate(Problem):
    """Another living announcement has the same link; `announcement` is its id, if it is public."""

    type = "announcement-duplicate"
    status = 409
    title = "Ce lien est déjà celui d'une autre annonce."


class NotInThisState(Problem):
    """The act is none for an announcement in this state."""

    type = "announcement-state"
    status = 409
    title = "L'état de cette annonce ne permet pas cela."


class AnnouncementChanged(Problem):
    """It is not as it was when it was read."""

    type = "announcement-changed"
    status = 409
    title = "Cette annonce a changé depuis que vous l'avez ouverte : relisez-la d'abord."


class NoTextWaiting(Problem):
    """No text of it waits for a decision."""

    type = "no-text-waiting"
    status = 409
    title = "Aucun texte de cette annonce n'attend de réponse."


class CorrectOwnText(NotAllowed):
    """An author corrects; only others improve."""

    type = "correct-own-text"
    title = "C'est votre annonce : vous pouvez en changer le texte vous-même."


class UndoItsApproval(NotAllowed):
    """Moderators decide on cases: there is a reason, a mail and a trace."""

    type = "undo-its-approval"
    title = "Pour retirer l'annonce de quelqu'un d'autre, refusez son texte ou annulez-en l'accord."
