"""StateKeep keeps statechart actors alive through restarts and through changes of their own definition.

The map of the house; arrows of dependency run one way, tui -> protocol <- daemon:

``statekeep.protocol``  how to speak with the daemon: messages, framing, errors, the two clients
``statekeep.daemon``    the daemon: statecharts, routing, the encrypted store, the engine, the server
``statekeep.tui``       what a person uses in a terminal: today the command ``statekeep``
"""

__version__ = "0.1.0"
