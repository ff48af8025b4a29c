// Generated from schemas/openrpc.json by scripts/generate-types.mjs. Do not edit.

export interface Messages {
  ErrorData: ErrorData;
  ChatCompletionRequest: ChatCompletionRequest;
  ChatCompletion: ChatCompletion;
  ListParams: ListParams;
  SessionsResult: SessionsResult;
  NoParams: NoParams;
  SessionResult: SessionResult;
  RenameParams: RenameParams;
  SessionParams: SessionParams;
  NoResult: NoResult;
  MessagesParams: MessagesParams;
  MessagesResult: MessagesResult;
  SendParams: SendParams;
  TurnResult: TurnResult;
  AnewParams: AnewParams;
  AnswerParams: AnswerParams;
  EditParams: EditParams;
  ModelsListResult: ModelsListResult;
  ModelParams: ModelParams;
  ModelStatus: ModelStatus;
  DownloadParams: DownloadParams;
  ImportParams: ImportParams;
  EngineStatus: EngineStatus;
  ComputerDescription: ComputerDescription;
  LibraryScan: LibraryScan;
  AssignmentsResult: AssignmentsResult;
  AssignParams: AssignParams;
  Assignment: Assignment;
  ProvidersResult: ProvidersResult;
  CreateParams: CreateParams;
  ProviderResult: ProviderResult;
  UpdateParams: UpdateParams;
  ProviderParams: ProviderParams;
  ServedModelsResult: ServedModelsResult;
  TestParams: TestParams;
  TestResults: TestResults;
  SettingsResult: SettingsResult;
  SetParams: SetParams;
  Setting: Setting;
  StoreStatus: StoreStatus;
  StorageUsage: StorageUsage;
  ClearParams: ClearParams;
  ClearResult: ClearResult;
  ChatChunkParams: ChatChunkParams;
  EventParams: EventParams;
  DownloadEvent: DownloadEvent;
  TestedParams: TestedParams;
}
/**
 * `error.data` of every error answer. `error.message` is prose for logs; people read the text of `kind`.
 */
export interface ErrorData {
  /**
   * Stable name; errors.json lists all
   */
  kind:
    | "parse_error"
    | "invalid_json_rpc"
    | "method_not_found"
    | "invalid_params"
    | "not_initialized"
    | "already_initialized"
    | "line_too_long"
    | "request_cancelled"
    | "slow_consumer"
    | "internal_error"
    | "invalid_request"
    | "invalid_schema"
    | "invalid_image"
    | "model_not_found"
    | "model_not_ready"
    | "context_length_exceeded"
    | "engine_failed"
    | "mirror_not_found"
    | "mirror_rate_limited"
    | "mirror_failed"
    | "no_network"
    | "mirror_unreachable"
    | "mirror_invalid"
    | "disk_full"
    | "file_damaged"
    | "import_refused"
    | "cancelled"
    | "proxy_invalid"
    | "certificates_invalid"
    | "consent_needed"
    | "capability_missing"
    | "capability_conflict"
    | "provider_not_found"
    | "provider_invalid"
    | "secret_invalid"
    | "provider_unreachable"
    | "provider_denied"
    | "provider_rate_limited"
    | "provider_rejected"
    | "provider_failed"
    | "provider_answer_invalid"
    | "session_not_found"
    | "message_not_found"
    | "session_busy"
    | "store_failed"
    | "database_refused"
    | "model_in_use"
    | "data_folder_in_use"
    | "sidecar_restarted"
    | "sidecar_unavailable"
    | "start_refused"
    | "keychain_unavailable"
    | "port_taken"
    | "listen_refused"
    | "update_unknown"
    | "update_unreachable"
    | "update_untrusted"
    | "consent_refused"
    | "origin_invalid"
    | "file_unwritable"
    | "environment_failed"
    | "environment_no_python"
    | "environment_no_network"
    | "environment_index_unreachable"
    | "environment_index_failed"
    | "environment_address_invalid"
    | "environment_disk_full";
  /**
   * The same request may succeed later, without anybody changing it
   */
  retryable: boolean;
  details: {
    [k: string]: unknown;
  };
}
/**
 * OpenAI's request body. A member without effect here is accepted, one that would change the answer is refused
 * by name (`openai_members`); null is the same as absent.
 *
 * What does not fit is an `InvalidRequest` that names the member, as at OpenAI, and not this pipe's `InvalidParams`.
 */
export interface ChatCompletionRequest {
  /**
   * @minItems 1
   * @maxItems 4096
   */
  messages: (SystemMessage | UserMessage | AssistantMessage | ToolMessage)[];
  /**
   * A model's id or repository; absent or auto: the app chooses
   */
  model?: string | null;
  temperature?: number | null;
  top_p?: number | null;
  /**
   * 0 or -1: all tokens
   */
  top_k?: number | null;
  min_p?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  logit_bias?: {
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^(0|[1-9][0-9]{0,6})$".
     */
    [k: string]: number;
  } | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  n?: number | null;
  response_format?: (TextFormat | JsonObjectFormat | JsonSchemaFormat) | null;
  tools?: Tool[] | null;
  tool_choice?: ("none" | "auto" | "required") | NamedTool | null;
  parallel_tool_calls?: boolean | null;
  stream?: boolean | null;
  stream_options?: StreamOptions | null;
  priority?: (1 | 10) | null;
  origin?: ("window" | "proxy") | null;
}
export interface SystemMessage {
  role: "system" | "developer";
  content: string | TextPart[];
}
export interface TextPart {
  type: "text";
  text: string;
}
export interface UserMessage {
  role: "user";
  content: string | (TextPart | ImagePart)[];
}
export interface ImagePart {
  type: "image_url";
  image_url: ImageUrl;
}
export interface ImageUrl {
  /**
   * data:image/…;base64,… or attachment:<sha256>; nothing is fetched
   */
  url: string;
  detail?: "auto" | "low" | "high";
}
/**
 * An earlier answer. As the last message it is the beginning of the answer.
 */
export interface AssistantMessage {
  role: "assistant";
  content?: string | TextPart[] | null;
  tool_calls?: ToolCall[] | null;
}
export interface ToolCall {
  id: string;
  type?: "function";
  function: CalledFunction;
}
export interface CalledFunction {
  name: string;
  /**
   * JSON, as text
   */
  arguments: string;
}
/**
 * What a tool answered to the call of that id.
 */
export interface ToolMessage {
  role: "tool";
  content: string | TextPart[];
  tool_call_id: string;
}
export interface TextFormat {
  type: "text";
}
/**
 * Any JSON object.
 */
export interface JsonObjectFormat {
  type: "json_object";
}
/**
 * JSON that fits a schema, compact: no white space between its parts.
 */
export interface JsonSchemaFormat {
  type: "json_schema";
  json_schema: JsonSchema;
}
export interface JsonSchema {
  name: string;
  description?: string | null;
  schema?: {
    [k: string]: unknown;
  } | null;
  /**
   * The answer fits the schema always
   */
  strict?: boolean | null;
}
export interface Tool {
  type: "function";
  function: FunctionDefinition;
}
export interface FunctionDefinition {
  name: string;
  description?: string | null;
  /**
   * A JSON schema of an object; absent: none
   */
  parameters?: {
    [k: string]: unknown;
  } | null;
  /**
   * Arguments fit the schema always
   */
  strict?: boolean | null;
}
/**
 * This tool must be called.
 */
export interface NamedTool {
  type: "function";
  function: FunctionName;
}
export interface FunctionName {
  name: string;
}
export interface StreamOptions {
  include_usage?: boolean;
  /**
   * Without effect: nothing is sent over a network
   */
  include_obfuscation?: boolean;
}
/**
 * The whole answer, also after it was streamed.
 */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  /**
   * Unix time in seconds
   */
  created: number;
  model: string;
  /**
   * @minItems 1
   */
  choices: Choice[];
  usage: Usage;
  timings: Timings;
}
export interface Choice {
  index: number;
  message: AnswerMessage;
  logprobs: Logprobs | null;
  finish_reason: "stop" | "length" | "tool_calls";
}
export interface AnswerMessage {
  role: "assistant";
  /**
   * null where the answer is tool calls and nothing else
   */
  content: string | null;
  refusal: null;
  tool_calls?: ToolCall1[] | null;
}
export interface ToolCall1 {
  id: string;
  type: "function";
  function: CalledFunction;
}
/**
 * Of the text's tokens, those of tool calls left out.
 */
export interface Logprobs {
  content: TokenLogprob[] | null;
  refusal: null;
}
export interface TokenLogprob {
  /**
   * Its text; bytes that are no whole character show as U+FFFD
   */
  token: string;
  /**
   * Natural logarithm of the probability the model gave it
   */
  logprob: number;
  bytes: number[];
  top_logprobs: LikelyToken[];
}
export interface LikelyToken {
  /**
   * Its text; bytes that are no whole character show as U+FFFD
   */
  token: string;
  /**
   * Natural logarithm of the probability the model gave it
   */
  logprob: number;
  bytes: number[];
}
/**
 * Tokens. Those of a picture count as prompt; the prompt counts once, also where there are several choices.
 */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: PromptTokensDetails;
}
export interface PromptTokensDetails {
  /**
   * Taken from an earlier request's work
   */
  cached_tokens: number;
}
/**
 * Of the first choice. Milliseconds from the request's arrival until the engine computes something for it
 * (`queue_ms`, with the opening of its pictures, and the model's loading where it was not loaded), from there to the
 * first token (`prefill_ms`), and both.
 */
export interface Timings {
  queue_ms: number;
  prefill_ms: number;
  ttft_ms: number;
  /**
   * After the first token; null if there was but one
   */
  tokens_per_second: number | null;
}
export interface ListParams {
  /**
   * In titles and in what was said
   */
  search?: string | null;
  /**
   * Of the answer before: where it goes on
   */
  cursor?: string | null;
  limit?: number;
}
export interface SessionsResult {
  /**
   * The last changed first; of a search the best first
   */
  sessions: Session[];
  /**
   * null: there are no more
   */
  cursor: string | null;
}
export interface Session {
  id: string;
  /**
   * The first words of its question, until the model or a person gave it one
   */
  title: string;
  /**
   * Unix time in milliseconds, as all times here
   */
  createdAt: number;
  updatedAt: number;
  /**
   * Something of it was sent to another computer
   */
  leavesComputer: boolean;
  /**
   * Of a search: where it was found, with « » round what matched
   */
  snippet: string | null;
}
/**
 * A method without params: `{}` or nothing.
 */
export interface NoParams {}
export interface SessionResult {
  session: Session;
}
export interface RenameParams {
  sessionId: string;
  title: string;
}
export interface SessionParams {
  sessionId: string;
}
/**
 * An answer that says only that it was done: `{}`.
 */
export interface NoResult {}
export interface MessagesParams {
  sessionId: string;
  /**
   * Only messages before this one
   */
  before?: string | null;
  limit?: number;
}
export interface MessagesResult {
  /**
   * The newest of them, the oldest first
   */
  messages: ChatMessage[];
  /**
   * There are older ones; of long messages fewer than `limit` come at once
   */
  more: boolean;
}
export interface ChatMessage {
  id: string;
  sessionId: string;
  role: "user" | "assistant";
  /**
   * Empty: they rotted on the disk and cannot be read any more
   */
  parts: (ChatText | ChatImage)[];
  state: "streaming" | "complete" | "interrupted";
  /**
   * Of an answer that broke off: the error kind; null if it was stopped
   */
  kind: string | null;
  /**
   * Of one that broke off at a provider: its words, without keys
   */
  said: string | null;
  /**
   * Of an answer: who gave it
   */
  modelName: string | null;
  providerName: string | null;
  leavesComputer: boolean;
  /**
   * Of an answer: how many of the oldest messages did not fit and were not read for it
   */
  droppedBefore: number;
  finishReason: ("stop" | "length") | null;
  /**
   * Of a question that was edited: when it was
   */
  createdAt: number;
}
export interface ChatText {
  type: "text";
  text: string;
}
export interface ChatImage {
  type: "image";
  /**
   * Of a file among the attachments
   */
  attachment: string;
}
export interface SendParams {
  sessionId: string;
  /**
   * @minItems 1
   * @maxItems 32
   */
  parts: (AskedText | ChatImage1)[];
  /**
   * absent or auto: whoever has the job
   */
  model?: string | null;
}
export interface AskedText {
  type?: "text";
  text: string;
}
export interface ChatImage1 {
  type?: "image";
  /**
   * Of a file among the attachments
   */
  attachment: string;
}
/**
 * The question and the answer to it, which streams from now on. Both are kept already.
 */
export interface TurnResult {
  question: ChatMessage;
  answer: ChatMessage;
}
export interface AnewParams {
  sessionId: string;
  /**
   * An answer; what came after it is deleted
   */
  messageId: string;
  model?: string | null;
  /**
   * What the person has agreed to; without it: consent_needed, whose details name it
   */
  accept?: "deletes_rest"[];
}
export interface AnswerParams {
  sessionId: string;
  /**
   * An answer; what came after it is deleted
   */
  messageId: string;
  model?: string | null;
}
export interface EditParams {
  sessionId: string;
  /**
   * A question; what came after it is deleted
   */
  messageId: string;
  model?: string | null;
  /**
   * What the person has agreed to; without it: consent_needed, whose details name it
   */
  accept?: "deletes_rest"[];
  /**
   * @minItems 1
   * @maxItems 32
   */
  parts: (AskedText | ChatImage1)[];
}
export interface ModelsListResult {
  models: BuiltinModel[];
}
export interface BuiltinModel {
  id: string;
  repository: string;
  /**
   * Commit of the repository; null until it is resolved
   */
  revision: string | null;
  displayName: string;
  capabilities: ("vision" | "text" | "structured_output" | "tool_use")[];
  /**
   * Where it can be downloaded from; the first is the default
   */
  mirrors: string[];
  totalBytes: number | null;
  state: "absent" | "partial" | "downloading" | "verifying" | "ready" | "damaged" | "failed";
}
export interface ModelParams {
  /**
   * Absent: the only built-in model
   */
  modelId?: string | null;
}
export interface ModelStatus {
  modelId: string;
  state: "absent" | "partial" | "downloading" | "verifying" | "ready" | "damaged" | "failed";
  downloadedBytes: number;
  totalBytes: number | null;
  /**
   * Error kind, when the state is failed or damaged
   */
  kind: string | null;
  damagedFiles: string[];
  /**
   * The job that runs; the state is ready where an earlier revision serves meanwhile
   */
  activity: ("downloading" | "importing" | "verifying") | null;
  /**
   * Where a download that runs, or is unfinished, comes from; else null
   */
  mirror: string | null;
  /**
   * The revision that this app comes with, while the one on disk is another
   */
  update: ModelUpdate | null;
}
export interface ModelUpdate {
  revision: string;
  /**
   * What a download fetches; null until a mirror was asked
   */
  missingBytes: number | null;
}
export interface DownloadParams {
  /**
   * Absent: the only built-in model
   */
  modelId?: string | null;
  /**
   * http(s) address; absent: the model's first
   */
  mirror?: string | null;
}
export interface ImportParams {
  /**
   * Absent: the only built-in model
   */
  modelId?: string | null;
  /**
   * Absolute path of a folder that holds the model, or of a Hugging Face cache
   */
  path: string;
}
export interface EngineStatus {
  loaded: boolean;
  loading: boolean;
  /**
   * From 0 to 1, while the model's first load on a GPU prepares what it will need
   */
  loadProgress: number | null;
  /**
   * The model that is loaded or loading
   */
  modelId: string | null;
  /**
   * What it runs on: metal, cuda or cpu; null before the first load
   */
  device: string | null;
  activeBytes: number;
  peakBytes: number;
  /**
   * What the requests so far were expected to take at most
   */
  estimatedPeakBytes: number;
  budgetBytes: number | null;
  queued: Lanes;
  running: Lanes;
  /**
   * Whether background requests are held
   */
  paused: boolean;
  tokensPerSecond: number | null;
  loadSeconds: number | null;
  /**
   * How long background work may keep a person's request waiting: of its last 1,000 steps
   */
  lowStepP99Ms: number | null;
}
/**
 * A count for each priority.
 */
export interface Lanes {
  high: number;
  low: number;
}
export interface ComputerDescription {
  /**
   * The processor by its maker's name
   */
  chip: string | null;
  /**
   * arm64, x86_64, …
   */
  architecture: string;
  /**
   * macOS, or what a Linux distribution calls itself
   */
  system: string;
  systemVersion: string | null;
  memoryBytes: number;
  /**
   * On the disk of the data folder
   */
  freeDiskBytes: number;
  /**
   * What the model will run on
   */
  device: "metal" | "cuda" | "cpu";
  fit: ModelFit;
}
/**
 * Whether the model can run here.
 */
export interface ModelFit {
  modelId: string;
  verdict: "good" | "slow" | "unable";
  /**
   * Those of the verdict, the weightiest first
   */
  reasons: (
    | "needs_apple_silicon"
    | "needs_macos_14"
    | "memory_too_small"
    | "disk_too_small"
    | "no_gpu"
    | "memory_tight"
    | "slow_memory"
  )[];
  /**
   * What must yet come to the disk; null where it is not known
   */
  neededBytes: number | null;
  /**
   * What an answer will probably be written with; null where it is not known
   */
  tokensPerSecond: number | null;
  /**
   * Memory bandwidth by bytes of weights: it cannot be faster
   */
  tokensPerSecondAtMost: number | null;
  /**
   * Where the bandwidth is from
   */
  speedBasis: ("published_bandwidth" | "measured_bandwidth") | null;
}
export interface LibraryScan {
  /**
   * How many folders are scanned; 0: the person has chosen none yet
   */
  folders: number;
}
export interface AssignmentsResult {
  /**
   * All four, in a fixed order
   */
  capabilities: Assignment[];
}
/**
 * One job and the model that does it.
 */
export interface Assignment {
  capability: "vision" | "text" | "structured_output" | "tool_use";
  modelId: string;
  modelName: string;
  providerId: string;
  providerName: string;
  /**
   * It runs inside this app
   */
  builtin: boolean;
  /**
   * What is asked goes to another computer
   */
  leavesComputer: boolean;
  ready: boolean;
  /**
   * Where it is not ready: the error kind that a request would get
   */
  kind: string | null;
  /**
   * Nobody has said whether the model can do this job
   */
  unknown: boolean;
}
export interface AssignParams {
  capability: "vision" | "text" | "structured_output" | "tool_use";
  modelId: string;
  /**
   * What the person has agreed to; without it: consent_needed, whose details name it
   */
  accept?: ("leaves_computer" | "plain_http" | "background_leaves")[];
}
export interface ProvidersResult {
  providers: Provider[];
}
export interface Provider {
  id: string;
  name: string;
  /**
   * http(s) address that `/chat/completions` is appended to
   */
  baseUrl: string;
  preset: ("openai" | "ollama" | "lmstudio" | "vllm") | null;
  /**
   * The models inside this app: cannot be changed or deleted
   */
  builtin: boolean;
  /**
   * Its address is not on this computer
   */
  leavesComputer: boolean;
  /**
   * A key for it has been put, in this run
   */
  hasSecret: boolean;
  /**
   * Work that nobody waits for may go there, too
   */
  background: boolean;
  /**
   * Requests that it gets at once
   */
  concurrency: number;
  models: ProviderModel[];
}
export interface ProviderModel {
  /**
   * What the server calls the model
   */
  identifier: string;
  displayName: string;
  /**
   * What it can do
   */
  capabilities: ("vision" | "text" | "structured_output" | "tool_use")[];
  /**
   * What it cannot do
   */
  lacking: ("vision" | "text" | "structured_output" | "tool_use")[];
  id: string;
}
export interface CreateParams {
  name: string;
  /**
   * http(s) address that `/chat/completions` is appended to
   */
  baseUrl: string;
  preset?: "openai" | "ollama" | "lmstudio" | "vllm";
  concurrency?: number;
  /**
   * @maxItems 100
   */
  models?: NewModel[];
  /**
   * What the person has agreed to; without it: consent_needed, whose details name it
   */
  accept?: ("leaves_computer" | "plain_http" | "background_leaves")[];
}
/**
 * A model behind a provider. A capability in neither list is one that nobody knows about.
 */
export interface NewModel {
  /**
   * What the server calls the model
   */
  identifier: string;
  displayName?: string | null;
  /**
   * What it can do
   */
  capabilities?: ("vision" | "text" | "structured_output" | "tool_use")[];
  /**
   * What it cannot do
   */
  lacking?: ("vision" | "text" | "structured_output" | "tool_use")[];
}
export interface ProviderResult {
  provider: Provider;
}
/**
 * What is absent stays as it is. A model keeps its id, and the jobs it has, by its identifier.
 */
export interface UpdateParams {
  providerId: string;
  name?: string | null;
  /**
   * At another origin the key is forgotten, and background work not allowed
   */
  baseUrl?: string | null;
  concurrency?: number | null;
  /**
   * On, of another computer: needs the consent background_leaves
   */
  background?: boolean | null;
  models?: NewModel[] | null;
  /**
   * What the person has agreed to; without it: consent_needed, whose details name it
   */
  accept?: ("leaves_computer" | "plain_http" | "background_leaves")[];
}
export interface ProviderParams {
  providerId: string;
}
export interface ServedModelsResult {
  /**
   * What the server says it has, in its own order
   */
  identifiers: string[];
}
export interface TestParams {
  providerId: string;
  /**
   * Absent: only whether the server answers
   */
  identifier?: string | null;
}
export interface TestResults {
  results: TestResult[];
}
/**
 * Whether one thing works. What a model can do is tried with small questions of our own.
 */
export interface TestResult {
  ability: "models" | ("vision" | "text" | "structured_output" | "tool_use");
  works: boolean;
  seconds: number;
  /**
   * Of a failure: the error kind
   */
  kind: string | null;
  /**
   * Of a failure: the server's own words, if it had any
   */
  reason: string | null;
}
export interface SettingsResult {
  settings: Setting[];
}
export interface Setting {
  key: "memoryBudgetBytes" | "restSeconds" | "unloadMinutes" | "backgroundPixels";
  /**
   * Who keeps it. The shell has its own method
   */
  owner: "sidecar";
  /**
   * What counts; null: chosen by this computer
   */
  value: number | null;
  default: number | null;
  minimum: number;
  maximum: number;
}
export interface SetParams {
  key: "memoryBudgetBytes" | "restSeconds" | "unloadMinutes" | "backgroundPixels";
  /**
   * null: back to the default
   */
  value: number | null;
}
export interface StoreStatus {
  /**
   * Until the person dismisses it, over restarts, too
   */
  recovery: Recovery | null;
}
/**
 * A damaged database was set aside. Times are Unix time in milliseconds.
 */
export interface Recovery {
  /**
   * Where the damaged file lies; null: somebody removed it since
   */
  setAside: string | null;
  /**
   * When the copy was made that took its place; null: there was none, and a new one was begun
   */
  copiedAt: number | null;
  recoveredAt: number;
}
export interface StorageUsage {
  /**
   * Every kind; each file counts for exactly one of them
   */
  holdings: StorageHolding[];
}
export interface StorageHolding {
  /**
   * partial: of downloads that did not come to their end; environment: Python and its packages; kernels: compiled for the GPU; copies: of the database; web: what the system's web view keeps
   */
  kind:
    | "model"
    | "partial"
    | "environment"
    | "kernels"
    | "database"
    | "copies"
    | "attachments"
    | "logs"
    | "web"
    | "other";
  /**
   * On the disk; a file of several names counts once
   */
  bytes: number;
  /**
   * About what clearing it would free; null: it is not cleared
   */
  clearableBytes: number | null;
  /**
   * Absolute paths, as far as they are there
   */
  places: string[];
}
export interface ClearParams {
  /**
   * copies: one new copy takes the place of all; attachments: those that no message shows; logs: the shell's, too
   */
  kind: "partial" | "kernels" | "copies" | "attachments" | "logs";
}
export interface ClearResult {
  freedBytes: number;
}
export interface ChatChunkParams {
  /**
   * The id of the chat/completions request
   */
  requestId: string | number;
  chunk: ChatCompletionChunk;
}
/**
 * One piece of a streamed answer. With `include_usage` the last one has no choice, only the usage.
 */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /**
   * Unix time in seconds
   */
  created: number;
  model: string;
  /**
   * @maxItems 1
   */
  choices: ChunkChoice[];
  usage?: Usage | null;
  /**
   * With the last choice's end
   */
  timings?: Timings | null;
}
export interface ChunkChoice {
  index: number;
  delta: Delta;
  logprobs: Logprobs | null;
  finish_reason: ("stop" | "length" | "tool_calls") | null;
}
export interface Delta {
  role?: "assistant" | null;
  content?: string | null;
  tool_calls?: ToolCallDelta[] | null;
}
/**
 * The first of each call carries its id, type and name, the others more of its arguments.
 */
export interface ToolCallDelta {
  index: number;
  id?: string | null;
  type?: "function" | null;
  function: FunctionDelta;
}
export interface FunctionDelta {
  name?: string | null;
  arguments: string;
}
export interface EventParams {
  sessionId: string;
  messageId: string;
  event: AnswerDelta | MessageChanged;
}
/**
 * More of an answer's text.
 */
export interface AnswerDelta {
  type: "delta";
  /**
   * Of its first character in the answer, in Unicode code points
   */
  offset: number;
  text: string;
}
/**
 * The message as it is now: begun, ended or broken off.
 */
export interface MessageChanged {
  type: "message";
  message: ChatMessage;
}
/**
 * The event of the original application, spelled as there, with byte counts added.
 */
export interface DownloadEvent {
  model_id: string;
  /**
   * Percent
   */
  progress: number;
  status: "downloading" | "completed" | "failed";
  /**
   * For the log, for example "Downloading... 1.2GB / 2.6GB"
   */
  message: string;
  /**
   * 10⁶ bytes a second
   */
  speed_mbps?: number | null;
  downloaded_bytes: number;
  total_bytes: number | null;
  eta_seconds?: number | null;
  /**
   * The file that got bytes last; of a failure, the one it is about
   */
  file?: string | null;
  /**
   * Of a failure: the error kind
   */
  kind?: string | null;
  /**
   * Of a failure: the error's details, if any
   */
  details?: {
    [k: string]: unknown;
  } | null;
  /**
   * All bytes are here and are checked, or a model on disk is
   */
  verifying?: true | null;
}
export interface TestedParams {
  requestId: string | number;
  result: TestResult;
}

/** The methods that the window may call, with their messages. */
export interface Methods {
  /** Answers a chat; with stream: true its pieces are notified as chat/chunk meanwhile */
  "chat/completions": { params: ChatCompletionRequest; result: ChatCompletion };
  /** The chats, or those that hold some words */
  "sessions/list": { params: ListParams; result: SessionsResult };
  /** Begins a chat */
  "sessions/create": { params: NoParams; result: SessionResult };
  /** Gives a chat a title */
  "sessions/rename": { params: RenameParams; result: SessionResult };
  /** Deletes a chat, with the attachments that no other one has */
  "sessions/delete": { params: SessionParams; result: NoResult };
  /** What was said in a chat */
  "sessions/messages": { params: MessagesParams; result: MessagesResult };
  /** Asks; answered as soon as the question is kept, the answer follows as sessions/event */
  "sessions/send": { params: SendParams; result: TurnResult };
  /** Has a question answered anew */
  "sessions/regenerate": { params: AnewParams; result: TurnResult };
  /** Has the last answer, which broke off, go on */
  "sessions/continue": { params: AnswerParams; result: TurnResult };
  /** Asks a question anew in other words */
  "sessions/edit": { params: EditParams; result: TurnResult };
  /** Ends the answer that streams; what there is of it stays */
  "sessions/stop": { params: SessionParams; result: NoResult };
  /** The built-in models */
  "models/list": { params: NoParams; result: ModelsListResult };
  /** What of a model is on disk */
  "models/status": { params: ModelParams; result: ModelStatus };
  /** Starts or joins a download and answers at once */
  "models/download": { params: DownloadParams; result: ModelStatus };
  /** Stops a download, an import or a check; what was downloaded stays */
  "models/cancelDownload": { params: ModelParams; result: ModelStatus };
  /** Starts or joins an import from a folder, with the events of a download, and answers at once */
  "models/import": { params: ImportParams; result: ModelStatus };
  /** Reads a model on disk again, with the events of a download, and tells what of it is damaged */
  "models/verify": { params: ModelParams; result: ModelStatus };
  /** Deletes all that is on disk of a model */
  "models/delete": { params: ModelParams; result: ModelStatus };
  /** Takes the loaded model out of memory */
  "models/unload": { params: NoParams; result: EngineStatus };
  /** This computer, and whether the model can run on it */
  "computer/describe": { params: ModelParams; result: ComputerDescription };
  /** Looks through the chosen folders for what is new */
  "library/scan": { params: NoParams; result: LibraryScan };
  /** The four jobs and who does them */
  "capabilities/list": { params: NoParams; result: AssignmentsResult };
  /** Gives one job to another model */
  "capabilities/assign": { params: AssignParams; result: Assignment };
  /** All providers with their models */
  "providers/list": { params: NoParams; result: ProvidersResult };
  /** Adds a provider */
  "providers/create": { params: CreateParams; result: ProviderResult };
  /** Changes a provider */
  "providers/update": { params: UpdateParams; result: ProviderResult };
  /** Removes a provider; the jobs of its models go back to the built-in one */
  "providers/delete": { params: ProviderParams; result: AssignmentsResult };
  /** Asks the server what it has */
  "providers/models": { params: ProviderParams; result: ServedModelsResult };
  /** Tries what a server and a model can do; each result is also notified as providers/tested when it is there */
  "providers/test": { params: TestParams; result: TestResults };
  /** Every setting with its default and its range */
  "settings/get": { params: NoParams; result: SettingsResult };
  /** Changes one setting, for good and at once */
  "settings/set": { params: SetParams; result: Setting };
  /** Whether a damaged database was recovered */
  "store/status": { params: NoParams; result: StoreStatus };
  /** The person has read what became of the database */
  "store/dismissRecovery": { params: NoParams; result: StoreStatus };
  /** What the data folder holds, by kind */
  "storage/usage": { params: NoParams; result: StorageUsage };
  /** Deletes what can be spared of one kind */
  "storage/clear": { params: ClearParams; result: ClearResult };
  /** What the engine holds and does */
  "engine/status": { params: NoParams; result: EngineStatus };
  /** Holds background requests where they are */
  "engine/pause": { params: NoParams; result: EngineStatus };
  /** Lets background requests go on */
  "engine/resume": { params: NoParams; result: EngineStatus };
}

/** What the sidecar tells without being asked, with the params of each. */
export interface Notifications {
  /** One piece of a streamed answer */
  "chat/chunk": ChatChunkParams;
  /** More of an answer that streams, or a change of a message */
  "sessions/event": EventParams;
  /** A chat was begun, renamed or gone on with */
  "sessions/changed": SessionResult;
  /** At most one a second while a model downloads; the last one says how that ended */
  "builtin-model-download-progress": DownloadEvent;
  /** The model is on disk, checked */
  "builtin-model-download-completed": DownloadEvent;
  /** The download ended without the model */
  "builtin-model-download-failed": DownloadEvent;
  /** A job has another model, or its model became ready or no longer is */
  "capabilities/changed": AssignmentsResult;
  /** A provider was changed */
  "providers/changed": ProvidersResult;
  /** One result of a test that runs */
  "providers/tested": TestedParams;
  /** A setting was changed */
  "settings/changed": Setting;
  /** There is something to tell of the database */
  "store/status": StoreStatus;
  /** The engine's state changed */
  "engine/status": EngineStatus;
}
