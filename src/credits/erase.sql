-- Takes the words out of the books of a user who is erased: agents' names, models that only the user had a name for, descriptions.
-- All figures stay. At most p_limit calls and as many entries; answers how many there were, so that 0 is the end.
CREATE FUNCTION ledger_erase(p_user uuid, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  calls integer;
  entries integer;
BEGIN
  PERFORM set_config('chatsparty.ledger_erases', 'on', true);
  UPDATE metered_calls SET agent_name = NULL, model = CASE WHEN is_priced THEN model ELSE 'erased' END
  FROM (
    SELECT c.id AS worded_id, EXISTS (
        SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model) AS is_priced
    FROM metered_calls c WHERE c.user_id = p_user AND (c.agent_name IS NOT NULL OR (c.model <> 'erased' AND NOT EXISTS (
      SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model)))
    LIMIT p_limit) AS worded
  WHERE id = worded_id;
  GET DIAGNOSTICS calls = ROW_COUNT;
  UPDATE ledger_entries SET description = NULL WHERE id IN (
    SELECT id FROM ledger_entries WHERE user_id = p_user AND description IS NOT NULL LIMIT p_limit);
  GET DIAGNOSTICS entries = ROW_COUNT;
  PERFORM set_config('chatsparty.ledger_erases', 'off', true);
  RETURN calls + entries;
END $$;

-- Takes from metered calls between two ids (both of a time) in which conversation, by which agent and over which connection they were made,
-- and from their entries the words; all figures stay. At most p_limit calls; answers the last, to go on behind, null at the end.
CREATE FUNCTION usage_forget(p_after uuid, p_until uuid, p_limit integer) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  forgotten uuid[];
  last uuid;
BEGIN
  PERFORM set_config('chatsparty.ledger_erases', 'on', true);
  SELECT array_agg(id ORDER BY id) INTO forgotten FROM (
    SELECT id FROM metered_calls WHERE id > p_after AND id < p_until
      AND num_nonnulls(conversation_id, agent_id, agent_name, connection_id) > 0
    ORDER BY id LIMIT p_limit) AS old;
  last := forgotten[cardinality(forgotten)];
  UPDATE metered_calls SET conversation_id = NULL, agent_id = NULL, agent_name = NULL, connection_id = NULL
  WHERE id = ANY(forgotten);
  UPDATE ledger_entries SET description = NULL
  WHERE id > p_after AND id <= coalesce(last, p_until) AND kind IN ('post', 'loss') AND description IS NOT NULL;
  PERFORM set_config('chatsparty.ledger_erases', 'off', true);
  RETURN last;
END $$;
