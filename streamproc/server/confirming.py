"""What a person has to type before an order is given."""

from streamproc.server.admission import Admission


class Confirming:
    """The server's token, once more; where there is none, the generation's number, so that it is no slip."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    @property
    def needs_token(self) -> bool:
        """Whether it is the token."""
        return self._admission.needed

    def asked(self, generation: int) -> str:
        """What to type, in words."""
        return "The server's token (server.token)" if self.needs_token else f"Type {generation} to confirm"

    def refusal(self, typed: str, generation: int, address: str) -> str:
        """What is wrong with what was typed, and what to do; "" where it is right."""
        if not self.needs_token:
            right = typed.strip() == str(generation)
            return "" if right else f"That is not {generation}, the generation's number: type it"
        attempts = self._admission.typed
        if seconds := attempts.wait(address):
            return f"Too many wrong tokens from this address: wait {seconds} s"
        if self._admission.is_token(typed.strip().encode()):
            return ""
        attempts.wrong(address)
        return "That is not the server's token: nothing was done"
