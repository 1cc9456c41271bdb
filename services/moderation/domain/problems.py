"""What moderation refuses, and how it says so."""

from shared.errors import NotAllowed, Problem


class CaseNotFound(Problem):
    """No case has this id, or it is not for this person to see."""

    type = "case-not-found"
    status = 404
    title = "Ce dossier n'existe pas."


class ReviewAlreadyDecided(Problem):
    """The case is no longer in a state where this can happen."""

    type = "already-decided"
    status = 409
    title = "Une décision a déjà été prise sur cette proposition."


class CaseChanged(Problem):
    """The decision was taken on an old revision; `changed` says what came since."""

    type = "case-changed"
    status = 409
    title = "Ce dossier a changé depuis que vous l'avez ouvert : relisez-le avant de répondre."


class AboutToClose(Problem):
    """The deadline is over and its timer about to run: only a decision still counts."""

    type = "about-to-close"
    status = 409
    title = "Le délai est passé : seule une décision compte encore."


class NotADecider(NotAllowed):
    """This person has no say in this case."""

    type = "not-a-decider"
    title = "Vous ne pouvez pas décider de cette proposition."


class ManagersFirst(NotADecider):
    """The venue has somebody who can be reached, and nobody contests the proposal."""

    type = "managers-first"
    title = (
        "Ce lieu a une personne responsable joignable : c'est à elle de décider. "
        "Si vous n'êtes pas d'accord, faites une objection."
    )


class OutOfScope(NotADecider):
    """A moderator's territory or kinds do not cover this case."""

    type = "out-of-scope"
    title = "Ce dossier ne fait pas partie de ceux qui vous sont confiés."


class TakenByAnother(Problem):
    """Another moderator works on this case."""

    type = "taken"
    status = 409
    title = "Une autre personne de l'équipe s'occupe de ce dossier."


class OwnProposal(NotAllowed):
    """Nobody supports or judges their own proposal, from another account neither."""

    type = "own-proposal"
    title = "Vous ne pouvez pas donner d'avis sur votre propre proposition."


class AccountTooNew(NotAllowed):
    """A new account may propose, not yet support or object."""

    type = "account-too-new"
    title = "Votre compte est encore trop récent pour soutenir ou contester une proposition."


class NotTheAuthor(NotAllowed):
    """Only who proposed it can do this."""

    type = "not-the-author"
    title = "Seule la personne qui a fait la proposition peut faire cela."


class ManagersWordBinds(Problem):
    """A manager has decided: nobody else undoes it."""

    type = "managers-word-binds"
    status = 409
    title = "La personne responsable du lieu en a décidé : sa décision tient."


class NothingToRevert(Problem):
    """The proposal is not online, or was undone before."""

    type = "nothing-to-revert"
    status = 409
    title = "Il n'y a rien à annuler : cette proposition n'est pas en ligne."


class NoAppeal(Problem):
    """There is nothing here that an appeal could be about."""

    type = "no-appeal"
    status = 409
    title = "Cette décision ne peut pas, ou plus, être réexaminée."


class AnotherModerator(NotADecider):
    """An appeal goes to somebody who did not take the decision."""

    type = "another-moderator"
    title = "Le réexamen revient à une autre personne que celle qui a décidé."


class PlanChanged(Problem):
    """What would be undone is no longer what the dry run said."""

    type = "plan-changed"
    status = 409
    title = "La liste a changé depuis l'essai à blanc : relancez-le et vérifiez-la."


class WaitForAnswer(Problem):
    """Each message is a mail: several in a row wait for an answer."""

    type = "wait-for-answer"
    status = 429
    title = "Vous avez écrit plusieurs fois de suite : attendez une réponse avant d'écrire encore."
