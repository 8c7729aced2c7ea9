"""What is restricted is read for a purpose, where the node's settings want one (R44): the page asks for it."""

from comity.errors import NotAuthorized
from comity.web.answer import Answer
from comity.web.ui.visit import Look, Visit

PURPOSE = "purpose"


def purposed(look: Look) -> Look:
    """The screen, in which whoever reads does so for the purpose in the address; a form for it where it is missing."""

    def looked(visit: Visit) -> Answer:
        purpose = visit.parameter(PURPOSE).strip()
        try:
            with visit.node.for_purpose(purpose):
                return look(visit)
        except NotAuthorized as error:
            if error.where != PURPOSE or purpose:
                raise
            kept = [(name, value) for name, values in visit.parameters.items() for value in values if name != PURPOSE]
            return visit.page("purpose.html", status=403, kept=kept, rule=error.rule)

    return looked
