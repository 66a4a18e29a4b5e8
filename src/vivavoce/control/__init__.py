"""The acts of the control plane: start, renew, end, take over, clean up."""
