-- A conversation as lists show it, with its active and its newest run. Volatile, so that a statement that has just changed it by another
-- function is answered with what it has become, as it is under the locks: its event needs no statement of its own.
CREATE FUNCTION conversation_shown(p_conversation uuid) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT json_build_object('conversation', row_to_json(c),
      'active', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))) v),
      'last', (SELECT row_to_json(v) FROM run_views(ARRAY(SELECT r.id FROM runs r
        WHERE r.conversation_id = c.id ORDER BY r.id DESC LIMIT 1)) v))
    FROM conversations c WHERE c.id = p_conversation);
END $$;
