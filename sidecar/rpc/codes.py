"""What each kind of error is called elsewhere: its JSON-RPC code, its HTTP status, its OpenAI `type`."""

from typing import Literal, NamedTuple

OpenAIType = Literal["invalid_request_error", "not_found_error", "rate_limit_error", "server_error"]


class Code(NamedTuple):
    """One row. `http` and `openai` are what the localhost proxy answers."""

    rpc: int
    http: int
    openai: OpenAIType


# -32700 … -32600 are JSON-RPC's own, -32002 and -32800 are those of the Language Server Protocol for the same thing;
# the others are ours, out of the range that JSON-RPC leaves to servers (-32000 … -32099).
CODES: dict[str, Code] = {
    "parse_error": Code(-32700, 400, "invalid_request_error"),
    "invalid_json_rpc": Code(-32600, 400, "invalid_request_error"),
    "method_not_found": Code(-32601, 404, "not_found_error"),
    "invalid_params": Code(-32602, 400, "invalid_request_error"),
    "internal_error": Code(-32603, 500, "server_error"),
    "not_initialized": Code(-32002, 503, "server_error"),
    "already_initialized": Code(-32003, 409, "invalid_request_error"),
    "line_too_long": Code(-32004, 413, "invalid_request_error"),
    # 499 is nginx's "client closed request": nobody is left to read it.
    "request_cancelled": Code(-32800, 499, "invalid_request_error"),
    "slow_consumer": Code(-32005, 499, "invalid_request_error"),
    "invalid_request": Code(-32010, 400, "invalid_request_error"),
    "invalid_image": Code(-32011, 400, "invalid_request_error"),
    "model_not_found": Code(-32012, 404, "not_found_error"),
    "model_not_ready": Code(-32013, 503, "server_error"),
    "context_length_exceeded": Code(-32014, 400, "invalid_request_error"),
    "engine_failed": Code(-32015, 500, "server_error"),
    "invalid_schema": Code(-32016, 400, "invalid_request_error"),
    "mirror_not_found": Code(-32020, 502, "server_error"),
    "mirror_rate_limited": Code(-32021, 429, "rate_limit_error"),
    "mirror_failed": Code(-32022, 502, "server_error"),
    "mirror_unreachable": Code(-32023, 504, "server_error"),
    "no_network": Code(-32031, 504, "server_error"),
    "proxy_invalid": Code(-32032, 502, "server_error"),
    "certificates_invalid": Code(-32033, 502, "server_error"),
    "mirror_invalid": Code(-32024, 400, "invalid_request_error"),
    "disk_full": Code(-32025, 507, "server_error"),
    "file_damaged": Code(-32026, 502, "server_error"),
    "cancelled": Code(-32027, 499, "invalid_request_error"),
    "import_refused": Code(-32028, 400, "invalid_request_error"),
    "model_in_use": Code(-32029, 409, "invalid_request_error"),
    "capability_missing": Code(-32060, 400, "invalid_request_error"),
    "capability_conflict": Code(-32061, 400, "invalid_request_error"),
    "consent_needed": Code(-32062, 403, "invalid_request_error"),
    "provider_not_found": Code(-32063, 404, "not_found_error"),
    "provider_invalid": Code(-32064, 400, "invalid_request_error"),
    "secret_invalid": Code(-32065, 400, "invalid_request_error"),
    "provider_unreachable": Code(-32070, 504, "server_error"),
    "provider_denied": Code(-32071, 502, "server_error"),
    "provider_rate_limited": Code(-32072, 429, "rate_limit_error"),
    "provider_rejected": Code(-32073, 400, "invalid_request_error"),
    "provider_failed": Code(-32074, 502, "server_error"),
    "provider_answer_invalid": Code(-32075, 502, "server_error"),
    "session_not_found": Code(-32090, 404, "not_found_error"),
    "message_not_found": Code(-32091, 404, "not_found_error"),
    "session_busy": Code(-32092, 409, "invalid_request_error"),
    "store_failed": Code(-32080, 503, "server_error"),
    "database_refused": Code(-32081, 503, "server_error"),
    "data_folder_in_use": Code(-32030, 503, "server_error"),
    "sidecar_restarted": Code(-32040, 503, "server_error"),
    "sidecar_unavailable": Code(-32041, 503, "server_error"),
    "start_refused": Code(-32042, 503, "server_error"),
    "keychain_unavailable": Code(-32043, 503, "server_error"),
    "port_taken": Code(-32044, 503, "server_error"),
    "listen_refused": Code(-32057, 503, "server_error"),
    "update_unknown": Code(-32045, 503, "server_error"),
    "update_unreachable": Code(-32046, 503, "server_error"),
    "update_untrusted": Code(-32047, 503, "server_error"),
    "origin_invalid": Code(-32048, 400, "invalid_request_error"),
    "file_unwritable": Code(-32049, 503, "server_error"),
    "environment_failed": Code(-32050, 503, "server_error"),
    "environment_no_python": Code(-32051, 503, "server_error"),
    "environment_no_network": Code(-32052, 503, "server_error"),
    "environment_index_unreachable": Code(-32053, 503, "server_error"),
    "environment_index_failed": Code(-32054, 503, "server_error"),
    "environment_address_invalid": Code(-32055, 503, "server_error"),
    "environment_disk_full": Code(-32056, 503, "server_error"),
    "consent_refused": Code(-32058, 403, "invalid_request_error"),
}
