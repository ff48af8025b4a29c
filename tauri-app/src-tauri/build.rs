//! Checks the configuration, embeds the window's files and declares the commands, so that each needs a permission.

const COMMANDS: &[&str] = &[
    "rpc_call",
    "rpc_cancel",
    "rpc_subscribe",
    "attach_paths",
    "attach_bytes",
    "attachment_bytes",
    "pick_pictures",
    "pick_folder",
    "shell_state",
    "shell_set",
    "open_link",
    "environment_retry",
    "environment_cancel",
    "environment_repair",
    "engine_restart",
    "disk_access",
    "disk_access_settings",
    "diagnostics",
    "export_diagnostics",
    "secret_set",
    "secret_delete",
    "proxy_state",
    "proxy_set",
    "proxy_copy_token",
    "proxy_renew_token",
    "update_check",
    "update_fetch",
    "update_cancel",
    "storage_outside",
    "erase_everything",
];

fn main() {
    // The window's build writes this folder. Without one, as in a check of the Rust code alone, the binary
    // embeds no page, and is built again when the folder fills.
    if let Err(error) = std::fs::create_dir_all("../dist") {
        println!("cargo:warning=../dist cannot be made: {error}");
    }
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS))
        .codegen(tauri_build::CodegenContext::new());
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:error={error:#}");
        std::process::exit(1);
    }
}
