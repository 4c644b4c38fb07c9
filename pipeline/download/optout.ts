/**
 * Whether X-Robots-Tag says that pictures are not for training (noai, noimageai). A rule may be meant for one robot
 * ("name: rule"): those count that are meant for all or for pool5.
 */
export function isOptedOut(header: string | readonly string[] | undefined): boolean {
  const lines = typeof header === 'string' ? [header] : (header ?? []);
  return lines.some((line) => {
    let robot = '*';
    return line.split(',').some((part) => {
      const [, name, rule = ''] = /^\s*(?:([\w.*-]+)\s*:)?\s*(.*?)\s*$/.exec(part.toLowerCase()) ?? [];
      // "unavailable_after: date" has a colon, but names no robot.
      if (name !== undefined && !/^(unavailable_after|max-)/.test(name)) robot = name;
      return (robot === '*' || robot === 'pool5') && (rule === 'noai' || rule === 'noimageai');
    });
  });
}
