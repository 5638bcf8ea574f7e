"""The daemon: pure rooms (statecharts, routing), the store, the engine over them, and the server around it."""
