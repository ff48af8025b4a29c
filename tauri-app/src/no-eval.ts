/**
 * zod, with which the AI SDK checks its messages, tries whether it may compile code (`new Function`). The content
 * security policy refuses, and reports each attempt. Imported before zod, this keeps it from trying.
 */
declare global {
  var __zod_globalConfig: { jitless?: boolean } | undefined;
}

globalThis.__zod_globalConfig = { ...globalThis.__zod_globalConfig, jitless: true };

export {};
