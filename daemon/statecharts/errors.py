"""What goes wrong: a definition that cannot run, and a machine that does not come to rest."""

from statekeep.protocol.records import Finding


class InvalidDefinition(Exception):
    """The definition cannot run here. ``findings`` has every error, with what to write instead, and the warnings."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        errors = [finding for finding in findings if finding.level == "error"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0].path}: {errors[0].message}{more}")


class Unending(Exception):
    """The machine does not come to rest: more microsteps than the limit allows, so probably a cycle of eventless
    transitions or of done events. The configuration before the event stands.
    """

    def __init__(self, entered: int) -> None:
        super().__init__("the machine does not come to rest")
        self.entered = entered
        """How many states were entered until it was given up."""
