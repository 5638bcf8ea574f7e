"""Who stands where after a deploy: histories, paths, and the relation between all of them at once.

``rule``       the routing rule: where an actor belongs, given its history
``paths``      what a path says about a history, and ``replaying`` where it lands: in plain Python
``rehearsal``  the three above for histories given as text, without a daemon
``histories``  the trie of processed event types: one node for each distinct history
``evaluator``  relations, landings and counts of all histories or cohorts in one pass each, in C
``relations``  the rule for one history of the trie, as an event needs it
``cohorts``    actors that share version, history and configuration, and so a row
``plan``       the rule for all cohorts of a version, as a deploy needs it; ``sweep`` carries it to them in pieces
``reach``      whether a route can ever be reached behind its earlier siblings

Pure but for the arrays it owns: knows no store, no socket and no statechart but through its transition table.
"""
