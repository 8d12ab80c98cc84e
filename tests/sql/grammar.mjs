// Reads a JSON object of statements from stdin and writes one of complaints, by the same names: what is not
// Oracle's SQL. The grammar is upper case in its keywords only where the statement is.
import { getParserFromInput } from "@griffithswaite/ts-plsql-parser";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const complaints = {};
for (const [name, statement] of Object.entries(JSON.parse(Buffer.concat(chunks)))) {
  const parser = getParserFromInput(`${statement}\n;\n`);
  const found = [];
  const listener = { syntaxError: (_r, _s, line, column, message) => found.push(`${line}:${column} ${message}`) };
  for (const each of ["reportAmbiguity", "reportAttemptingFullContext", "reportContextSensitivity"]) {
    listener[each] = () => {};
  }
  const lexer = parser.getTokenStream().tokenSource;
  for (const part of [lexer, parser]) {
    part.removeErrorListeners();
    part.addErrorListener(listener);
  }
  parser.sql_script();
  complaints[name] = found;
}
process.stdout.write(JSON.stringify(complaints));
