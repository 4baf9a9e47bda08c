// Driver.java - asks what a line of its input says, with LangChain4j.
//
// There is a method for each thing that the client can do.

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.internal.Json;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

class Driver {
    static final String KEY = "sk-clients";
    static final String PROMPT = "hello";

    interface Call {
        String of(String url, String what) throws Exception;
    }

    static final Map<String, Call> CALLS = Map.of(
            "chat", Driver::chat, "stream", Driver::stream, "tools", Driver::tools, "embeddings", Driver::embeddings);

    static String chat(String url, String model) {
        return OpenAiChatModel.builder().baseUrl(url).apiKey(KEY).modelName(model).build().chat(PROMPT);
    }

    static String stream(String url, String model) throws Exception {
        StringBuilder text = new StringBuilder();
        AiMessage whole = read(url, model, ChatRequest.builder().messages(UserMessage.from(PROMPT)).build(), text);
        return text.toString().equals(whole.text()) ? whole.text() : text + " / " + whole.text();
    }

    static String tools(String url, String model) throws Exception {
        JsonObjectSchema parameters = JsonObjectSchema.builder()
                .addStringProperty("city").addIntegerProperty("days").required("city", "days").build();
        ToolSpecification weather = ToolSpecification.builder()
                .name("weather").description("What the weather will be.").parameters(parameters).build();
        ChatRequest ask = ChatRequest.builder()
                .messages(UserMessage.from(PROMPT)).toolSpecifications(weather).build();
        ToolExecutionRequest call = read(url, model, ask, new StringBuilder()).toolExecutionRequests().get(0);
        Map<?, ?> with = Json.fromJson(call.arguments(), Map.class);
        return call.name() + " " + with.get("city") + " " + with.get("days");
    }

    static String embeddings(String url, String model) {
        List<Embedding> all = OpenAiEmbeddingModel.builder().baseUrl(url).apiKey(KEY).modelName(model).build()
                .embedAll(List.of(TextSegment.from("first"), TextSegment.from("second"))).content();
        float[] last = all.get(all.size() - 1).vector();
        return all.size() + " " + last.length + " " + Math.round(last[0] * 100) + " " + Math.round(last[31] * 100);
    }

    static AiMessage read(String url, String model, ChatRequest ask, StringBuilder text) throws Exception {
        CompletableFuture<AiMessage> whole = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder().baseUrl(url).apiKey(KEY).modelName(model).build()
                .chat(ask, new StreamingChatResponseHandler() {
                    public void onPartialResponse(String piece) {
                        text.append(piece);
                    }

                    public void onCompleteResponse(ChatResponse answer) {
                        whole.complete(answer.aiMessage());
                    }

                    public void onError(Throwable error) {
                        whole.completeExceptionally(error);
                    }
                });
        return whole.get();
    }

    static String inALine(String text) {
        return String.valueOf(text).trim().replaceAll("\\s+", " ");
    }

    static String ask(Call call, String url, String what) {
        if (call == null)
            return "-";
        try {
            return "= " + inALine(call.of(url, what));
        } catch (Exception e) {
            Throwable why = e instanceof ExecutionException ? e.getCause() : e;
            return "! " + why.getClass().getSimpleName() + ": " + inALine(why.getMessage());
        }
    }

    public static void main(String[] args) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            System.out.println(ask(CALLS.get(words[0]), words[1], words[2]));
        }
        System.exit(0); // a library's threads
    }
}
