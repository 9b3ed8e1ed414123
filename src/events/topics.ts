/** Is the type one of these, or of one of these resources? `queue` is `queue_created` and not `queuecall_created`. */
export function matches(topics: readonly string[], type: string): boolean {
  return topics.some((topic) => type === topic || type.startsWith(`${topic}_`))
}

/** How a type or a resource is written. */
export const topicPattern = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
export const maxTopicLength = 64
