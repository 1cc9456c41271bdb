"""Words of names and addresses, as `traits` needs them: lower case, without accents."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHORT = {
    "av": "avenue", "ave": "avenue", "aven": "avenue", "bd": "boulevard", "bld": "boulevard",
    "blvd": "boulevard", "bvd": "boulevard", "boul": "boulevard", "pl": "place", "plc": "place",
    "r": "rue", "rte": "route", "ch": "chemin", "che": "chemin", "chem": "chemin", "all": "allee",
    "allees": "allee", "imp": "impasse", "sq": "square", "fg": "faubourg", "fbg": "faubourg",
    "crs": "cours", "esp": "esplanade", "prom": "promenade", "qu": "quai", "lot": "lotissement",
    "res": "residence", "bat": "batiment", "imm": "immeuble", "rpt": "rondpoint", "pas": "passage",
    "mtee": "montee", "lieudit": "lieu", "ld": "lieu", "st": "saint", "ste": "sainte",
    "sts": "saint", "dr": "docteur", "doc": "docteur", "gal": "general", "gen": "general",
    "mal": "marechal", "mar": "marechal", "pdt": "president", "pres": "president",
    "cdt": "commandant", "col": "colonel", "cne": "capitaine", "lt": "lieutenant",
    "prof": "professeur", "pr": "professeur", "cc": "communaute communes",
    "ccal": "centre commercial", "zi": "zone industrielle", "za": "zone artisanale",
}  # fmt: skip
"""Abbreviations of addresses (Poste, norme NF Z 10-011) and their words."""

WAYS = _words(
    "rue avenue boulevard place route chemin allee impasse square faubourg cours esplanade "
    "promenade quai lotissement residence passage montee rondpoint sentier venelle ruelle parvis "
    "mail traverse voie rocade cite cour galerie clos hameau villa porte pont parc zone"
)
LINKS = _words(
    "de du des d la le les l a au aux en et sur sous lez les chez par pour dans un une s n no"
)
VAGUE = _words(
    "bourg centre village ville mairie hotel chef lieu dit poste bureau commune ancienne ancien "
    "zone artisanale industrielle activite activites etage rdc batiment immeuble entree"
)
"""Words of an address that lead to no door in particular."""

GENERIC = _words(
    "france frane services service msap mfs public publics publique maison espace point antenne "
    "site annexe permanence lieu accueil info conseiller conseillere conseillers numerique "
    "numeriques mediation mediateur mediatrice structure association asso relais cyber commune "
    "communes communale communal ville bureau centre itinerant itinerante bus mobile mixte "
    "france-services fs label labellisee residence administratif proximite "
    "saint sainte departement departemental municipale municipal"
)
"""Words of a name that very many venues share."""

KINDS = (
    ("france services", r"fran?ce? services?|msap|mfs|services? au public|service public"),
    ("mairie", r"mairies?|hotel de ville|(?:commune|ville) (?:de|du|des|d)"),
    ("library", r"mediatheques?|bibliotheques?|ludo ?mediatheque|bdp|ludotheque"),
    ("post", r"(?:la|bureau de|agence) poste|poste|agence postale|apc|lpc"),
    ("ccas", r"ccas|cias|centre (?:inter)?communal d action sociale|action sociale"),
    ("social", r"centres? socio ?culturels?|centre socio culturel|centres? soci(?:al|aux)|csc"),
    ("neighbourhood", r"maison (?:de quartier|des habitants|pour tous)|mjc|foyer rural|mpt"),
    ("young", r"mission locale|pij|bij|crij|point information jeunesse|info jeunes|espace jeunes?"),
    ("intercommunal", r"communaute (?:de |d )?(?:communes|agglomeration|urbaine)"
        r"|agglomeration|metropole|cc d[eu]|syndicat"),
    ("pimms", r"pimms"), ("redcross", r"croix rouge"), ("emmaus", r"emmaus"),
    ("work", r"maison de l emploi|pole emploi|france travail|maison de l economie|cap emploi"),
    ("department", r"maison du departement|mdd|mds|maison des solidarites|conseil departemental"
        r"|departement d[eu]"),
    ("state", r"sous prefecture|prefecture|dgfip|tresor public|centre des finances"),
    ("msa", r"msa"), ("caf", r"caf|caisse d allocations familiales"), ("cpam", r"cpam"),
    ("school", r"college|lycee|ecole|groupe scolaire|greta|afpa|universite"),
    ("udaf", r"udaf"), ("shelter", r"chrs|foyer|fjt|cada|huda|residence sociale"),
    ("cyber", r"cyber ?bases?|cyber ?centres?|epn|espace public numerique"),
    ("repair", r"repair cafe|fablab|fab lab|tiers lieu|cafe|tiers lieux"),
    ("tourism", r"office d[eu] tourisme"), ("museum", r"musee"),
    ("care", r"ehpad|hopital|centre hospitalier|maison de sante"),
)  # fmt: skip
"""Words that say what kind of place it is; two kinds under one roof are two venues."""

PUBLIC_DOMAINS = _words(
    "gmail.com orange.fr wanadoo.fr laposte.net free.fr sfr.fr hotmail.com hotmail.fr yahoo.fr "
    "yahoo.com outlook.com outlook.fr live.fr bbox.fr neuf.fr laposte.fr france-services.gouv.fr "
    "france-service.gouv.fr conseiller-numerique.fr pimms.org pimmsmediation.fr icloud.com "
    "gmx.fr protonmail.com msn.com numericable.fr aol.com club-internet.fr croix-rouge.fr"
)
"""Mail domains that say nothing about who is behind."""
