"""The HTTP edges of the control plane, one file per edge, and the gateway to the machines."""
