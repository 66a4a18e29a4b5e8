"""`python -m vivavoce.engine`: the voice engine alone."""

from vivavoce.engine.app import main

if __name__ == "__main__":
    raise SystemExit(main())
