import { describe, expect, test } from "vitest";
import en from "@/i18n/en.json";
import zh from "@/i18n/zh.json";
import errors from "../../../schemas/errors.json";
import openrpc from "../../../schemas/openrpc.json";

type Texts = { [key: string]: string | Texts };

function flat(texts: Texts, path = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[path + key, value]] : flat(value, `${path}${key}.`),
  );
}

const placeholders = (text: string) => [...text.matchAll(/{{\w+}}/g)].map(([name]) => name).sort();

const english = new Map(flat(en));
const chinese = new Map(flat(zh));
const { schemas } = openrpc.components;
const statuses = new Set([
  ...schemas.BuiltinModel.properties.state.enum,
  ...schemas.ModelStatus.properties.state.enum,
  ...schemas.DownloadEvent.properties.status.enum,
]);

describe("the texts", () => {
  test("are the same ones in English and in Chinese", () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  test.each([...english.keys()])("%s has words and the same placeholders in both languages", (key) => {
    expect(english.get(key)?.trim()).toBeTruthy();
    expect(chinese.get(key)?.trim()).toBeTruthy();
    expect(placeholders(chinese.get(key) ?? "")).toEqual(placeholders(english.get(key) ?? ""));
  });

  test.each([...chinese.entries()])(
    "%s has in Chinese the punctuation and the words of the others",
    (_, text) => {
      const plain = text.replace(/{{\w+}}/g, "文");
      expect(plain).not.toMatch(/\p{Script=Han}[,;:?!.()"]|[,;:?!()"]\p{Script=Han}/u);
      // One form of address, and one word each for a chat and for loading.
      expect(plain).not.toMatch(/您|新建聊天|载入/);
    },
  );

  test.each([
    ["English", english],
    ["Chinese", chinese],
  ])("call in the help what can be pressed by its name, in %s", (_, texts) => {
    const names = new Set([...texts.values()].map((text) => text.replace(/…$|[:：].*$/, "")));
    const called = [...texts]
      .filter(([key]) => key.startsWith("help."))
      .flatMap(([, text]) => text.match(/(?<=“)[^”]+/g) ?? []);
    expect(called.filter((name) => name !== "builtin_models" && !names.has(name.replace(/…$/, "")))).toEqual(
      [],
    );
  });

  test.each(errors.errors.map(({ kind }) => kind))("say what %s means and what to do about it", (kind) => {
    for (const texts of [english, chinese]) {
      expect(texts.get(`errors.${kind}.title`)).toBeTruthy();
      expect(texts.get(`errors.${kind}.hint`)).toBeTruthy();
    }
  });

  test("name no error that nothing can raise", () => {
    const kinds = errors.errors.map(({ kind }) => kind);
    expect(Object.keys(en.errors).filter((kind) => kind !== "unknown" && !kinds.includes(kind))).toEqual([]);
  });

  test("have a word for every status of a model and of a download, and for no other", () => {
    expect(Object.keys(en.status).sort()).toEqual([...statuses].sort());
    expect(Object.keys(zh.status).sort()).toEqual([...statuses].sort());
  });
});
