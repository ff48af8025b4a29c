import { expect, test } from "vitest";
import { ABILITIES } from "@/settings/ability";
import { trialAnswer, trialRequest } from "@/settings/trial";
import { completion } from "../shell/sidecar";

const QUESTION = { model: "m", question: "What is it?" };

test("every trial names its model, is a person's, and cannot go on for long", () => {
  for (const ability of ABILITIES) {
    expect(trialRequest(ability, QUESTION)).toMatchObject({ model: "m", priority: 1, max_tokens: 300 });
  }
});

test("a picture comes before the question; where there is none the question goes alone", () => {
  const url = "data:image/png;base64,AA==";
  expect(trialRequest("vision", { ...QUESTION, picture: url }).messages[0]?.content).toEqual([
    { type: "image_url", image_url: { url } },
    { type: "text", text: "What is it?" },
  ]);
  expect(trialRequest("vision", QUESTION).messages[0]?.content).toBe("What is it?");
});

test("structured output must fit a schema, and a tool must be called", () => {
  expect(trialRequest("structured_output", QUESTION).response_format).toMatchObject({
    type: "json_schema",
    json_schema: { strict: true },
  });
  expect(trialRequest("tool_use", QUESTION)).toMatchObject({
    tool_choice: "required",
    tools: [{ function: { name: "clock" } }],
  });
});

test("an answer of tool calls reads as a program would write them", () => {
  const answer = completion("");
  const [choice] = answer.choices;
  if (choice) {
    choice.message = {
      role: "assistant",
      content: null,
      refusal: null,
      tool_calls: [{ id: "1", type: "function", function: { name: "clock", arguments: '{"city":"Paris"}' } }],
    };
  }
  expect(trialAnswer(answer)).toBe('clock({"city":"Paris"})');
});
