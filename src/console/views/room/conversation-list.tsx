/** The latest conversations, in the side bar. */
export default function ConversationList() {
  return null
}
