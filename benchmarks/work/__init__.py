"""The work of a sequence and a model of how long its launches take: counted, not measured."""
