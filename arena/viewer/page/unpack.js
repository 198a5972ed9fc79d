// Unpacks the viewer's script and runs it.
async function TerritoryUnpack(packed) {
  try {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  } catch (error) {
    for (const place of document.querySelectorAll(".tv")) {
      place.textContent = `This film cannot be shown: ${error.message}; use a browser of 2023 or later.`;
    }
  }
}
