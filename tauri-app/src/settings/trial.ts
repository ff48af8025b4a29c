import type { ChatCompletion, ChatCompletionRequest, UserMessage } from "@/rpc/gen/protocol";
import type { Ability } from "./ability";

/** Tokens: more than any of the answers needs, few enough that nobody waits long. */
const MAX_TOKENS = 300;

/** A person waits for the answer. */
const PRIORITY = 1;

const FRUIT = {
  type: "object",
  properties: { fruit: { type: "string" }, colour: { type: "string" } },
  required: ["fruit", "colour"],
  additionalProperties: false,
};

const CLOCK = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

type Question = { model: string; question: string; picture?: string | null };

/** A small request that shows whether a model can do one job. `picture` is a data: URL, for vision. */
export function trialRequest(
  ability: Ability,
  { model, question, picture }: Question,
): ChatCompletionRequest {
  const content: UserMessage["content"] = picture
    ? [
        { type: "image_url", image_url: { url: picture } },
        { type: "text", text: question },
      ]
    : question;
  const request: ChatCompletionRequest = {
    model,
    messages: [{ role: "user", content }],
    max_tokens: MAX_TOKENS,
    priority: PRIORITY,
  };
  switch (ability) {
    case "structured_output":
      return {
        ...request,
        response_format: { type: "json_schema", json_schema: { name: "fruit", schema: FRUIT, strict: true } },
      };
    case "tool_use":
      return {
        ...request,
        tools: [
          {
            type: "function",
            function: { name: "clock", description: "Tells the time in a city", parameters: CLOCK },
          },
        ],
      };
    default:
      return request;
  }
}

/** What the model answered: its words, or the tools that it calls, as a program would write that. */
export function trialAnswer(completion: ChatCompletion): string {
  const message = completion.choices[0]?.message;
  const calls = message?.tool_calls?.map((call) => `${call.function.name}(${call.function.arguments})`) ?? [];
  return [message?.content?.trim() ?? "", ...calls].filter((part) => part !== "").join("\n");
}
