/** Where an item stands: after another one, or (null) not known to be after any. */
export interface Link {
  readonly previousItemId: string | null;
  /** RFC 3339. */
  readonly timestamp: string;
}

/**
 * Put the items of a conversation in order.
 *
 * Each item follows the one that it names. Among items that name the same one, or one that is not
 * here, the earlier comes first with everything that follows it. A ring is opened at its earliest
 * item, and no item is ever left out.
 */
export function chainOrder(links: ReadonlyMap<string, Link>): string[] {
  const byTime = (one: string, other: string): number =>
    timeOf(links.get(one)) - timeOf(links.get(other)) || (one < other ? -1 : 1);
  const followers = new Map<string | null, string[]>();
  for (const [itemId, { previousItemId }] of links) {
    const previous = previousItemId !== null && links.has(previousItemId) ? previousItemId : null;
    const siblings = followers.get(previous);
    if (siblings) siblings.push(itemId);
    else followers.set(previous, [itemId]);
  }
  for (const siblings of followers.values()) siblings.sort((one, other) => byTime(other, one));

  const order = new Set<string>();
  const waiting = [...(followers.get(null) ?? [])];
  const opened = [...links.keys()].sort(byTime);
  while (order.size < links.size) {
    const itemId = waiting.pop() ?? opened.find((one) => !order.has(one));
    if (itemId === undefined) break;
    if (!order.has(itemId)) {
      order.add(itemId);
      waiting.push(...(followers.get(itemId) ?? []));
    }
  }
  return [...order];
}

function timeOf(link: Link | undefined): number {
  return link === undefined ? 0 : Date.parse(link.timestamp);
}
