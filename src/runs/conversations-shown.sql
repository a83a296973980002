-- How many of its agents' words nobody has read: those after the user's mark (p_read) and after the user's own last words, for who answers
-- has read. Not counted beyond 100, nor beyond the latest 200 messages, so that it costs the same however long nobody has read.
CREATE FUNCTION conversation_unread(p_conversation uuid, p_read integer) RETURNS integer LANGUAGE sql STABLE AS $$
  WITH latest AS (
    SELECT m.role, m.status, m.seq FROM messages m WHERE m.conversation_id = p_conversation AND m.seq > p_read
    ORDER BY m.seq DESC LIMIT 200)
  SELECT least(count(*), 100)::int FROM latest l
  WHERE l.role = 'agent' AND l.status <> 'superseded' AND l.seq > coalesce((SELECT max(seq) FROM latest WHERE role = 'user'), 0)
$$;

-- What lists show of conversations besides their rows: the ids of their active and of their newest run, the last words that stand (their
-- beginning), how many are unread, and who is in them.
CREATE FUNCTION conversation_glances(p_conversations uuid[])
RETURNS TABLE (id uuid, active uuid, last uuid, last_message json, unread integer, speakers json) LANGUAGE sql STABLE AS $$
  SELECT c.id,
    (SELECT r.id FROM runs r WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting')),
    (SELECT r.id FROM runs r WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1),
    (SELECT json_build_object('id', m.id, 'seq', m.seq, 'role', m.role, 'agentId', m.agent_id, 'agentName', m.agent_name,
        'status', m.status, 'preview', left(m.content, 400), 'createdAt', m.created_at)
      FROM messages m WHERE m.conversation_id = c.id AND m.status <> 'superseded' ORDER BY m.seq DESC LIMIT 1),
    conversation_unread(c.id, c.read_seq),
    (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'avatar', a.avatar, 'color', a.color) ORDER BY s.place), '[]')
      FROM unnest(c.agent_ids) WITH ORDINALITY AS s (id, place) JOIN agents a ON a.id = s.id)
  FROM conversations c WHERE c.id = ANY(p_conversations)
$$;

-- A conversation as lists show it, with its active and its newest run. Volatile, so that a statement that has just changed it by another
-- function is answered with what it has become, as it is under the locks: its event needs no statement of its own.
CREATE FUNCTION conversation_shown(p_conversation uuid) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT json_build_object('conversation', row_to_json(c),
      'glance', (SELECT row_to_json(g) FROM conversation_glances(ARRAY[c.id]) g),
      'active', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))) v),
      'last', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1)) v))
    FROM conversations c WHERE c.id = p_conversation);
END $$;
