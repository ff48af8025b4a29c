import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Answer } from "./answer";
import type { WaysOn } from "./answer-end";
import type { ChatMessage } from "./message";
import { textOf } from "./message";
import { Question } from "./question";
import { QuestionEditor } from "./question-editor";
import { leavesOut } from "./question-error";
import type { OpenConversation } from "./use-conversation";

type MessagesProps = {
  conversation: OpenConversation;
  onNew: () => void;
  onModelMissing: () => void;
  damaged: boolean;
  onOlder: () => void;
  /** What had the focus is about to go: it belongs to the message field then. */
  onLeave: () => void;
};

/** What was said, the oldest first. */
export function Messages({ conversation, onNew, onModelMissing, damaged, onOlder, onLeave }: MessagesProps) {
  const { t } = useTranslation();
  const { messages, more, keys, live, answering, regenerate, goOn, edit } = conversation;
  const [editing, setEditing] = useState<string | null>(null);
  const last = messages.at(-1);
  const question = messages.findLast(({ role }) => role === "user")?.id ?? null;
  const waysOn = useMemo<WaysOn>(
    () => ({
      onContinue: (id) => {
        onLeave();
        goOn(id);
      },
      onAgain: (id) => {
        onLeave();
        regenerate(id);
      },
      onEdit: () => setEditing(question),
      onNew,
      onModelMissing,
      damaged,
    }),
    [goOn, regenerate, question, onNew, onModelMissing, damaged, onLeave],
  );
  return (
    <>
      {more && (
        <Button variant="ghost" size="sm" className="self-center" onClick={onOlder}>
          {t("chat.older")}
        </Button>
      )}
      {messages.map((message, index) => {
        const key = keys[message.id] ?? message.id;
        if (message.role === "assistant") {
          return (
            <Answer
              key={key}
              message={message}
              droppedSince={message.droppedBefore - droppedBefore(messages, index)}
              waysOn={message === last && !answering ? waysOn : undefined}
              live={message.id === live}
            />
          );
        }
        return message.id === editing ? (
          <QuestionEditor
            key={key}
            message={message}
            replacesMore={index < messages.length - 2}
            onSend={(parts) => edit(message.id, parts)}
            onClose={() => {
              onLeave();
              setEditing(null);
            }}
          />
        ) : (
          <Question
            key={key}
            message={message}
            leftOut={isLeftOut(messages[index + 1]) && index < messages.length - 2}
            onEdit={answering ? undefined : setEditing}
          />
        );
      })}
    </>
  );
}

/** Of the answer before that one. */
function droppedBefore(messages: readonly ChatMessage[], index: number): number {
  return messages.slice(0, index).findLast(({ role }) => role === "assistant")?.droppedBefore ?? 0;
}

/** Whether the chat goes on without the question, of its answer. */
function isLeftOut(answer: ChatMessage | undefined): boolean {
  const { role, state, kind } = answer ?? {};
  return (
    role === "assistant" &&
    state === "interrupted" &&
    typeof kind === "string" &&
    leavesOut(kind) &&
    answer !== undefined &&
    textOf(answer) === ""
  );
}
