import { errorCode } from '../errors.js';

/** When this process began (milliseconds since 1970), by the clock as it was when it looked. */
const BEGAN = Date.now() - process.uptime() * 1000;

/** A namesake at work touches its lock more often than this (milliseconds). */
const SILENCE = 15_000;

/**
 * Whether the process with this id runs on this machine.
 *
 * In a container that replaces another, host name and process id are often those of the one before: what bears my own
 * id and was last touched before I began is a dead predecessor's. Two containers that live at once may be namesakes,
 * too, each in its own world of processes: hence what was touched a moment ago is taken for alive.
 * @param touched when it last showed a sign of life (milliseconds since 1970)
 */
export function processRuns(pid: number, touched: number): boolean {
  if (pid === process.pid) return touched >= BEGAN || Date.now() - touched < SILENCE;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
