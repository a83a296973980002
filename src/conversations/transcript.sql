-- What a turn of a run reads of its conversation: the latest messages that fit into p_tokens (at least one), with the run's
-- own last. A message that waited for its run while others spoke is thus read after them, as its author meant it. Not read:
-- messages of runs that wait (p_waiting), words of siblings that answer at the same time (p_unheard, turns of this run), what a
-- summary covers (up to p_after). Tokens are estimated as bytes / 4 + 8, which is near enough to cut by and errs to the safe
-- side for other scripts than Latin; nothing is billed by it. It costs the same however long the conversation is.
CREATE FUNCTION conversation_transcript(p_conversation uuid, p_run uuid, p_waiting uuid[], p_unheard integer[], p_after integer,
  p_tokens integer)
RETURNS TABLE (seq integer, role text, agent_id uuid, agent_name text, content text, file_ids uuid[], run_id uuid)
LANGUAGE sql STABLE AS $$
  SELECT c.seq, c.role, c.agent_id, c.agent_name, c.content, c.file_ids, c.run_id
  FROM (
    SELECT l.*, row_number() OVER reading AS position, sum(octet_length(l.content) / 4 + 8) OVER reading AS tokens
    FROM (
      SELECT m.*, (m.run_id IS NOT DISTINCT FROM p_run) AS own FROM messages m
      WHERE m.conversation_id = p_conversation AND m.seq > p_after AND m.status <> 'superseded' AND m.content <> ''
        AND (m.run_id IS NULL OR m.run_id <> ALL(p_waiting))
        AND NOT (m.role = 'agent' AND m.run_id = p_run AND m.turn = ANY(p_unheard))
      ORDER BY m.seq DESC LIMIT 200
    ) l
    WINDOW reading AS (ORDER BY l.own DESC, l.seq DESC)
  ) c
  WHERE c.tokens <= p_tokens OR c.position = 1
  ORDER BY c.own, c.seq
$$;

-- Files of a conversation, the latest first, each once; without those that messages of runs that wait (p_waiting) bring.
CREATE FUNCTION conversation_files(p_conversation uuid, p_limit integer, p_waiting uuid[]) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE AS $$
  SELECT f.id FROM messages m, unnest(m.file_ids) WITH ORDINALITY AS f(id, position)
  WHERE m.conversation_id = p_conversation AND m.file_ids <> '{}' AND (m.run_id IS NULL OR m.run_id <> ALL(p_waiting))
  GROUP BY f.id ORDER BY max(m.seq) DESC, min(f.position) LIMIT p_limit
$$;
