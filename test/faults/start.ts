import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

const READY = z.object({ port: z.number() });
const ACCOUNT = z.object({
  requests: z.record(z.string(), z.number()),
  most: z.record(z.string(), z.number()),
  early: z.number(),
  agents: z.array(z.string()),
});

export interface MisbehavingServer {
  readonly port: number;
  /** What it was asked, and what it saw. */
  account(): Promise<z.infer<typeof ACCOUNT>>;
  stop(): void;
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const messages: unknown[] = await once(child, 'message');
  return messages[0];
}

/** Starts test/faults/server.mjs in a process of its own. */
export async function startServer(): Promise<MisbehavingServer> {
  const child = fork(new URL('server.mjs', import.meta.url));
  const { port } = READY.parse(await messageOf(child));
  // One question at a time: answers carry no name.
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (): Promise<unknown> => {
    const answer = messageOf(child);
    child.send('account');
    return answer;
  };
  return {
    port,
    async account() {
      last = last.then(ask);
      return ACCOUNT.parse(await last);
    },
    stop: () => child.disconnect(),
  };
}
