import { screen, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Markdown } from "@/chat/markdown";
import { ShellReplay } from "../shell/replay";
import { show } from "../window";

const HOSTILE = `
![a cat](https://evil.example/cat.png)
![](data:image/png;base64,AAAA)
<img src="https://evil.example/pixel.png" onerror="steal()">
<script src="https://evil.example/x.js"></script>
<style>body { background: url(https://evil.example/bg.png) }</style>
<iframe src="https://evil.example"></iframe>
<div style="background: url(https://evil.example/bg.png)">text</div>
[script](javascript:alert(1)) [file](file:///etc/passwd) [page](https://example.com/a)

$$ \\href{https://evil.example}{x} $$

\`\`\`mermaid
graph TD; A-->B
\`\`\`

\`\`\`html
<img src="https://evil.example/code.png">
\`\`\`
`;

test.each([true, false])(
  "a model's Markdown loads nothing and navigates nowhere (streaming: %s)",
  (streaming) => {
    show(<Markdown text={HOSTILE} streaming={streaming} />);
    const answer = document.querySelector(".markdown");
    expect(
      answer?.querySelectorAll("img, script, style, iframe, object, embed, video, audio, link, svg image"),
    ).toHaveLength(0);
    expect(answer?.querySelectorAll("[src], [href], [style], [onerror], [srcset]")).toHaveLength(0);
    expect(screen.getByText("Picture not shown: a cat")).toBeVisible();
  },
);

test("a link opens only through the shell, by mouse and by keyboard", async () => {
  const shell = new ShellReplay({ answers: {} });
  const person = show(<Markdown text="See [the page](https://example.com/a?b=c)." streaming={false} />);
  const link = screen.getByRole("link", { name: "the page" });
  await person.click(link);
  link.focus();
  await person.keyboard("{Enter}");
  expect(shell.commands("open_link")).toEqual([
    { url: "https://example.com/a?b=c" },
    { url: "https://example.com/a?b=c" },
  ]);
});

test("a link that is no web or mail address is plain text", () => {
  show(
    <Markdown text="[a](javascript:alert) [b](file:///etc/passwd) [c](data:text/html,x)" streaming={false} />,
  );
  expect(screen.queryAllByRole("link")).toEqual([]);
});

test("code keeps its text, says its language and can be copied", async () => {
  const person = show(<Markdown text={'```python\nprint("a < b")\n```'} streaming={false} />);
  const write = vi.spyOn(navigator.clipboard, "writeText");
  expect(screen.getByText("python")).toBeVisible();
  await person.click(screen.getByRole("button", { name: "Copy code" }));
  expect(write).toHaveBeenCalledWith('print("a < b")\n');
  expect(await screen.findByRole("status")).toHaveTextContent("Copied");
});

test("headings, lists, tables and emphasis are real elements", () => {
  show(
    <Markdown text={"## Title\n\n- **one**\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |"} streaming={false} />,
  );
  expect(screen.getByRole("heading", { level: 2, name: "Title" })).toBeVisible();
  expect(screen.getAllByRole("listitem")).toHaveLength(2);
  expect(within(screen.getByRole("table")).getByRole("columnheader", { name: "b" })).toBeVisible();
  expect(screen.getByText("one").tagName).toBe("STRONG");
});

test("half a mark at the end of a growing text is not shown as marks", () => {
  show(<Markdown text="It is **re" streaming />);
  expect(document.querySelector(".markdown")).toHaveTextContent(/^It is re$/);
});

test("raw HTML is not obeyed", () => {
  show(<Markdown text={'<button onclick="x()">press</button> and <b>bold</b>'} streaming={false} />);
  expect(screen.queryByRole("button")).toBeNull();
});
