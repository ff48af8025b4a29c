"""What the commands of the justfile need beside the tools themselves."""
