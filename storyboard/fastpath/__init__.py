"""The fast path: answers of builds and plans in which nothing has changed, from the stat results of an earlier build.

``noop``         the note of a build that left nothing to do, and the check that answers the next build from it
``noop_proof``   the proof, before a note is written, that every later change will show in a stat result
``plan_cache``   scenes and steps of the last build for the next ``plan`` or ``status``
``shot_codec``   the compact form of shots in a plan cache

Everything written here is disposable. A file that is missing, damaged, of another version or of another program costs
time and changes no answer. Notes (``.storyboard/standing/``) and plan caches (``.storyboard/memory/``) are written
without a sync, have a checksum, and only the eight youngest of each are kept. No lock is needed to read them: the
answer holds for the moment of the stat calls, and a running build is seen by its ``builder.json``.

**The question.** A note answers one question: the words of the command line but those that only choose the form of the
answer, every ``STORYBOARD_`` variable, the variables that decide on colour and width, whether the standard streams are
terminals, the working folder, the interpreter, its module path, and the folder of this program. A plan cache belongs to
a root, a cache folder, a storyboard file, a provider, an interpreter and a module path.

**What a note names.** By full stamp (size, mtime, ctime, inode): the storyboard and its includes; pictures, footage,
fonts and music; blobs and records that the plan used, and the folders of these records, in which a second result would
appear; films, captions and the folder of links to takes; lockfile and journal; the settings file; every file of the
program, its schemas and model cards; the metadata of the libraries whose versions are in keys, and the folders in which
they are installed. By identity (device, inode, mode): the folders and links on the way to the inputs. By absence:
``builder.json``, captions that a film has not, and ``.git`` or ``.storyboard`` between the storyboard and the root.
The folder of a take's records is left out if the lockfile names the take: other takes beside it change nothing.

**Traps**, each of which makes a stat result worthless as evidence unless it is handled:

1. *mtime can be set.* Only ctime is set by the kernel alone. A file of equal size whose mtime was put back has another
   ctime, and a file that was renamed into its place has another inode.
2. *Clocks of file systems go in steps.* A file written twice in one step looks alike. A note is written only after a
   file of our own got a ctime later than every ctime in the note. A file system that stamps in whole seconds is not
   waited for: no note is written.
3. *Files change while a build runs.* Stamps are those of the moment of reading, not of writing the note. Everything
   with a ctime not older than the begin of the build, less 0.1 s between the clocks of kernel and file system, is read
   once more and compared with what the build read or wrote.
4. *The program itself changes.* It was loaded before any clock was read, so no note is written within ten seconds of a
   change of any of its files: after an install or an edit, the first builds leave no note.
5. *A link cannot be written to, only be replaced*, which changes its folder. So links are compared by target in the
   proof, and their folder has a full stamp in the note.
6. *A copied project.* A note counts only if it names the file of ``noop`` at this place: a note from another machine or
   from a repository has stamps without a proof from here.

Not covered: a clock of the file system that is set back, and writes to the disk below the file system.
``storyboard cache verify`` reads all bytes again. ``docs/performance.md`` has the figures and the reasons.
"""
