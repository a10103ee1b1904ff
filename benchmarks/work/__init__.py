"""How much work a sequence is, and how long its launches may take: counted, not measured."""
