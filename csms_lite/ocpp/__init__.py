"""The OCPP endpoint: sockets, frames, routes."""
