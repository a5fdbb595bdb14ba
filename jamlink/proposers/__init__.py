"""Who makes ideas.

Each proposer is one file; none imports another. They share `base` (the contract), `scene` (what a request means),
`critics` (which ideas are worth a place in the hand), and those without a model `arrange` too.
"""
