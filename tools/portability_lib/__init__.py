"""The parts of tools/portability."""
