"""JSON-RPC 2.0 over stdin and stdout. Knows no method but the handshake; what is served comes from the outside."""
