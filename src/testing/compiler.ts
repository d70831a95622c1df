import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { API, type Diagnostic, type Project } from 'typescript/unstable/sync';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The two programs that `npm run check` compiles. */
const PROJECTS = { server: `${ROOT}tsconfig.json`, web: `${ROOT}src/web/tsconfig.json` } as const;

/** Type-checks source files, whose text tests can replace in memory. Paths are relative to the repository root. */
export interface Compiler {
  project(name: keyof typeof PROJECTS): Project;
  /** Returns the type errors of a file as text. Only this file and its dependencies are checked. */
  errorsIn(file: string): string[];
  /** Replaces a text in a file. Throws unless the text occurs exactly once. */
  replace(file: string, text: string, replacement: string): void;
  /** Undoes every `replace`. */
  restore(): void;
  close(): void;
}

/** Returns the message of an error, followed by the messages that explain it. */
function fullText({ text, messageChain = [] }: Diagnostic): string {
  return [text, ...messageChain.map(fullText)].join('\n');
}

export function startCompiler(): Compiler {
  /** Texts of changed files, by path. */
  const changedTexts = new Map<string, string>();
  const api = new API({ cwd: ROOT, fs: { readFile: (path) => changedTexts.get(path) } });
  let snapshot = api.updateSnapshot({ openProjects: Object.values(PROJECTS) });

  function project(name: keyof typeof PROJECTS): Project {
    const openedProject = snapshot.getProject(PROJECTS[name]);
    if (openedProject === undefined) throw new Error(`${PROJECTS[name]} was not opened.`);
    return openedProject;
  }

  function update(changed: string[]): void {
    snapshot = api.updateSnapshot({ fileChanges: { changed } });
  }

  return {
    project,
    errorsIn(file) {
      const { program } = project(file.startsWith('src/web/') ? 'web' : 'server');
      return program.getSemanticDiagnostics(ROOT + file).map(fullText);
    },
    replace(file, text, replacement) {
      const path = ROOT + file;
      const parts = (changedTexts.get(path) ?? readFileSync(path, 'utf8')).split(text);
      if (parts.length !== 2)
        throw new Error(`${file} must contain this text once, but contains it ${parts.length - 1} times: ${text}`);
      changedTexts.set(path, parts.join(replacement));
      update([path]);
    },
    restore() {
      const paths = [...changedTexts.keys()];
      changedTexts.clear();
      update(paths);
    },
    close: () => api.close(),
  };
}
