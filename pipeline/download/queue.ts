import type { ListedAddress } from './list.js';

/** An address that is not settled yet. */
export interface Job {
  readonly entry: ListedAddress;
  readonly url: URL;
  tries: number;
  /** performance.now() of the first request; 0 before it. */
  started: number;
  /** performance.now() before which it must not be tried again. */
  notBefore: number;
}

interface Lane {
  readonly jobs: Job[];
  /** performance.now() until which the host asked to be left alone. */
  pausedUntil: number;
}

/** Addresses by host, so that one slow or busy host holds up no other. */
export class HostQueue {
  readonly #lanes = new Map<string, Lane>();

  add(job: Job): void {
    this.#lane(job.url).jobs.push(job);
  }

  /** Puts a job back in front: it was taken in its turn. */
  putBack(job: Job): void {
    this.#lane(job.url).jobs.unshift(job);
  }

  pause(url: URL, until: number): void {
    const lane = this.#lane(url);
    lane.pausedUntil = Math.max(lane.pausedUntil, until);
  }

  /**
   * Takes the next job of the next host whose turn it is; else says when (performance.now()) one can be ready, which
   * is Infinity where only a running one's end can change anything, and undefined where none is left.
   */
  take(isWanted: (job: Job) => boolean, isFree: (url: URL) => boolean): Job | number | undefined {
    const now = performance.now();
    let soonest: number | undefined;
    for (const [host, lane] of this.#lanes) {
      const head = lane.jobs[0];
      if (head === undefined) continue;
      const ready = isFree(head.url) ? lane.pausedUntil : Infinity;
      if (ready > now) {
        if (lane.jobs.some(isWanted)) soonest = Math.min(soonest ?? Infinity, ready);
        continue;
      }
      for (const [index, job] of lane.jobs.entries()) {
        if (!isWanted(job)) continue;
        if (job.notBefore > now) {
          soonest = Math.min(soonest ?? Infinity, job.notBefore);
          continue;
        }
        lane.jobs.splice(index, 1);
        // Last in turn now.
        this.#lanes.delete(host);
        this.#lanes.set(host, lane);
        return job;
      }
    }
    return soonest;
  }

  #lane(url: URL): Lane {
    const known = this.#lanes.get(url.hostname);
    if (known !== undefined) return known;
    const lane = { jobs: [], pausedUntil: 0 };
    this.#lanes.set(url.hostname, lane);
    return lane;
  }
}
